-- Critical columns of facts have no nulls.
select 'null_percent_' || key as name, round(100.0 * count(*) filter (where value is null) / greatest(count(*), 1), 4) as measured, 0 as threshold,
  count(*) filter (where value is null) = 0 as ok, count(*) filter (where value is null) || ' of ' || count(*) || ' are null' as detail
from {{schema}}.fact_events, lateral (values ('event_id', event_id), ('event_type', event_type), ('user_id', user_id),
  ('occurred_at', occurred_at::text), ('purchase_amount', case when event_type = 'purchase' then amount::text else 'not a purchase' end)
) as critical (key, value)
group by key order by key
