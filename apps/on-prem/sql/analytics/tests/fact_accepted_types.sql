-- Types are the four of the contract; purchases have an amount and a currency.
select idempotency_key from {{schema}}.fact_events
where event_type not in ('user_signup', 'page_view', 'purchase', 'payment_failed')
  or (event_type = 'purchase' and (amount is null or amount <= 0 or currency is null))
