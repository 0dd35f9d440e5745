-- Versions of a user follow each other from -infinity to infinity without gap or overlap.
select user_id from (
  select user_id, valid_from, valid_to, lag(valid_to) over (partition by user_id order by valid_from) as before,
    lead(valid_from) over (partition by user_id order by valid_from) as after
  from {{schema}}.dim_user
) as versions
where coalesce(before, '-infinity') <> valid_from or coalesce(after, 'infinity') <> valid_to
