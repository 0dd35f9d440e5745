-- Per currency: amounts of different money are never added up.
create table if not exists {{schema}}.revenue_per_user (
  user_id text not null, currency text not null,
  lifetime_value numeric(16, 2) not null, purchases bigint not null, average_order_value numeric(14, 2) not null,
  first_purchase_at timestamptz not null, last_purchase_at timestamptz not null,
  primary key (user_id, currency)
);
delete from {{schema}}.revenue_per_user;
insert into {{schema}}.revenue_per_user
select user_id, currency, sum(amount), count(*), round(avg(amount), 2), min(occurred_at), max(occurred_at)
from {{schema}}.fact_events where event_type = 'purchase' group by user_id, currency;
