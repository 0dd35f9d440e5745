-- Nobody is charged less than nothing.
select customer_id from {{schema}}.customers where monthly_charges < 0 or total_charges < 0
