create table if not exists {{schema}}.daily_active_users (
  date date primary key, active_users bigint not null, new_users bigint not null, page_views bigint not null,
  purchases bigint not null, failed_payments bigint not null
);
delete from {{schema}}.daily_active_users;
insert into {{schema}}.daily_active_users
select date, count(distinct user_id), count(distinct user_id) filter (where event_type = 'user_signup'),
  count(*) filter (where event_type = 'page_view'), count(*) filter (where event_type = 'purchase'),
  count(*) filter (where event_type = 'payment_failed')
from {{schema}}.fact_events join {{schema}}.dim_time using (time_key) group by date;
