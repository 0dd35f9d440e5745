-- Events of the last complete day are within 20 % of the mean of the seven days before it.
with days as (
  select (({{as_of}}::timestamptz at time zone 'UTC')::date - n) as date, n from generate_series(1, 8) as n
), counts as (
  select n, count(fact_events.idempotency_key) as events
  from days left join {{schema}}.dim_time using (date) left join {{schema}}.fact_events using (time_key) group by n
), compared as (
  select max(events) filter (where n = 1) as last_day, avg(events) filter (where n > 1) as mean,
    min(events) filter (where n = 8) as oldest from counts
)
select 'volume_change_percent' as name, case when oldest > 0 then round(100 * (last_day - mean) / mean, 1) end as measured, 20 as threshold,
  -- Without a week of history there is nothing to compare with.
  case when oldest = 0 then null else coalesce(abs(last_day - mean) <= 0.2 * mean, false) end as ok,
  last_day || ' events on the last day, ' || round(mean) || ' on average in the week before' as detail
from compared
