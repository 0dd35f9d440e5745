-- Per currency the marts hold what the facts hold.
select currency from (
  select currency, sum(amount) as revenue from {{schema}}.fact_events where event_type = 'purchase' group by currency) as facts
full join (select currency, sum(lifetime_value) as revenue from {{schema}}.revenue_per_user group by currency) as users using (currency)
full join (select currency, sum(revenue) as revenue from {{schema}}.revenue_by_plan group by currency) as plans using (currency)
where facts.revenue is distinct from users.revenue or facts.revenue is distinct from plans.revenue
