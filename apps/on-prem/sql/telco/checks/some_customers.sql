-- There are customers at all: gold is not replaced by nothing.
select 1 where not exists (select from {{schema}}.customers)
