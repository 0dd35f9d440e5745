-- Who has completed no month has been charged no total.
select customer_id from {{schema}}.customers where tenure = 0 and total_charges <> 0
