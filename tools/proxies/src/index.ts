export type { HttpFault, HttpProxy, HttpRule, SeenRequest } from './http-proxy.ts'
export { createHttpProxy } from './http-proxy.ts'
export type { TcpBehaviour, TcpProxy } from './tcp-proxy.ts'
export { createTcpProxy } from './tcp-proxy.ts'
