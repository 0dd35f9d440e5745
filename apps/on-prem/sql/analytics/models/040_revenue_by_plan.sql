-- Point in time: revenue by the plan that the user had when paying, not by the plan of today.
create or replace view {{schema}}.revenue_by_plan as
select plan, currency, sum(amount) as revenue, count(*) as purchases, count(distinct fact.user_id) as users
from {{schema}}.fact_events as fact join {{schema}}.dim_user using (user_key)
where event_type = 'purchase' group by plan, currency;
