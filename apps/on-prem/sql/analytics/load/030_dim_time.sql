-- Every hour of every date that has events.
insert into {{schema}}.dim_time
select to_char(hour_start at time zone 'UTC', 'YYYYMMDDHH24')::bigint, hour_start, (hour_start at time zone 'UTC')::date,
  extract(hour from hour_start at time zone 'UTC'), extract(isodow from hour_start at time zone 'UTC'),
  extract(week from hour_start at time zone 'UTC'), extract(month from hour_start at time zone 'UTC'),
  extract(quarter from hour_start at time zone 'UTC'), extract(year from hour_start at time zone 'UTC'),
  extract(isodow from hour_start at time zone 'UTC') >= 6
from (select distinct date_trunc('day', occurred_at at time zone 'UTC') as day from new_events) as days,
  lateral (select (day + n * interval '1 hour') at time zone 'UTC' as hour_start from generate_series(0, 23) as n) as hours
on conflict (time_key) do nothing;
