-- The same figures by contract, by internet service and by tenure band.
create table if not exists {{schema}}.gold_customer_aggregates (
  dimension text not null check (dimension in ('contract', 'internet_service', 'tenure_band')),
  value text not null,
  customers bigint not null,
  average_tenure numeric(8, 2) not null,
  average_monthly_charges numeric(10, 2) not null,
  monthly_charges numeric(14, 2) not null,
  total_charges numeric(16, 2) not null,
  senior_share numeric(5, 4) not null,
  high_risk_customers bigint not null,
  monthly_charges_at_risk numeric(14, 2) not null,
  average_churn_score numeric(5, 2) not null,
  primary key (dimension, value)
);
delete from {{schema}}.gold_customer_aggregates;
insert into {{schema}}.gold_customer_aggregates
select dimension, value, count(*), round(avg(tenure), 2), round(avg(monthly_charges), 2), sum(monthly_charges), sum(total_charges),
  round(avg(senior_citizen::int), 4), count(*) filter (where churn_risk = 'high'),
  coalesce(sum(monthly_charges) filter (where churn_risk = 'high'), 0), round(avg(churn_score), 2)
from {{schema}}.gold_customer_features,
  lateral (values ('contract', contract), ('internet_service', internet_service), ('tenure_band', tenure_band)) as by_dimension (dimension, value)
group by dimension, value;
