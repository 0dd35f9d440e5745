-- Churn features and a transparent score, one row per customer.
create table if not exists {{schema}}.gold_customer_features (
  customer_id text primary key,
  contract text not null, internet_service text not null, tenure_band text not null, tenure integer not null,
  monthly_charges numeric(10, 2) not null, total_charges numeric(12, 2) not null,
  average_month numeric(12, 2) not null,
  charge_trend numeric(8, 4),
  is_month_to_month boolean not null, has_fiber boolean not null, has_phone boolean not null,
  senior_citizen boolean not null, lives_alone boolean not null,
  defaults_used integer not null,
  churn_score integer not null check (churn_score between 0 and 100),
  churn_risk text not null check (churn_risk in ('low', 'medium', 'high')),
  updated_at timestamptz not null
);
delete from {{schema}}.gold_customer_features;
insert into {{schema}}.gold_customer_features
with features as (
  select customer_id, contract, internet_service, tenure_band, tenure, monthly_charges, total_charges,
    round(total_charges / greatest(tenure, 1), 2) as average_month,
    -- What is paid now against what was paid on average: above 1 the price went up.
    round(monthly_charges * tenure / nullif(total_charges, 0), 4) as charge_trend,
    contract = 'Month-to-month' as is_month_to_month,
    internet_service = 'Fiber optic' as has_fiber,
    phone_service as has_phone, senior_citizen, not partner and not dependents as lives_alone,
    bit_count(defaulted::bit(32))::integer as defaults_used, updated_at
  from {{schema}}.customers
), scored as (
  select *, least(100,
    case contract when 'Month-to-month' then 35 when 'One year' then 10 else 0 end
    + case when tenure < 12 then 25 when tenure < 24 then 10 else 0 end
    + case when has_fiber then 15 else 0 end
    + case when monthly_charges > 80 then 10 else 0 end
    + case when coalesce(charge_trend, 1) > 1.08 then 5 else 0 end
    + case when lives_alone then 5 else 0 end
    + case when senior_citizen then 5 else 0 end) as churn_score
  from features
)
select customer_id, contract, internet_service, tenure_band, tenure, monthly_charges, total_charges, average_month, charge_trend,
  is_month_to_month, has_fiber, has_phone, senior_citizen, lives_alone, defaults_used, churn_score,
  case when churn_score >= 60 then 'high' when churn_score >= 30 then 'medium' else 'low' end, updated_at
from scored;
