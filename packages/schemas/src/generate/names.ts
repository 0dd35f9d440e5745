/** `SalesEvent` to `salesEvent`. */
export function camel(name: string): string {
  return name.charAt(0).toLowerCase() + name.slice(1)
}

/** `SalesEvent` to `sales-event`. */
export function kebab(name: string): string {
  return name.replace(/([a-z0-9])([A-Z])/g, '$1-$2').toLowerCase()
}

/** `com.bakery.SaleLine` to `SaleLine`. */
export function short(name: string): string {
  return name.slice(name.lastIndexOf('.') + 1)
}
