-- Two versions in a row differ.
select user_id from (
  select user_id, plan, lag(plan) over (partition by user_id order by valid_from) as before from {{schema}}.dim_user
) as versions where plan = before
