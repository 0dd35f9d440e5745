-- Where churn risk and money meet: every combination that has customers.
create table if not exists {{schema}}.gold_churn_segments (
  contract text not null, internet_service text not null, tenure_band text not null,
  customers bigint not null, high_risk_share numeric(5, 4) not null, average_churn_score numeric(5, 2) not null,
  monthly_charges numeric(14, 2) not null,
  primary key (contract, internet_service, tenure_band)
);
delete from {{schema}}.gold_churn_segments;
insert into {{schema}}.gold_churn_segments
select contract, internet_service, tenure_band, count(*), round(avg((churn_risk = 'high')::int), 4), round(avg(churn_score), 2), sum(monthly_charges)
from {{schema}}.gold_customer_features group by contract, internet_service, tenure_band;
