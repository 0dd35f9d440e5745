-- Nobody is a customer for less than nothing or more than a hundred years.
select customer_id from {{schema}}.customers where tenure not between 0 and 1200
