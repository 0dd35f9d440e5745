-- Every user has exactly one current version.
select user_id from {{schema}}.dim_user group by user_id having count(*) filter (where is_current) <> 1
