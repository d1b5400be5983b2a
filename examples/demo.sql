-- A small shop, live.  `make run` loads this file into the database velo; it can be run
-- again by hand:
--
--     psql "$(make run | sed -n 's/^dsn: //p')" -f examples/demo.sql
--
-- Statements of streaming SQL stand inside DO LANGUAGE velo $$ … $$.  All else is plain
-- PostgreSQL.

DO LANGUAGE velo $$

-- Twenty orders a second, made up as they are due.  The hints say what they look like;
-- a column without one gets whatever fits its type.
CREATE STREAM IF NOT EXISTS orders (
    order_id  bigint,
    customer  integer,
    product   text,
    quantity  integer,
    price     numeric(10,2),
    at        timestamptz
) WITH (
    'type' = 'generator',
    'rows_per_second' = '20',
    'data.order_id.sequential' = 'true',
    'data.customer.range' = '[1,500]',
    'data.product.enum' = '["tea","coffee","cocoa","honey","biscuits"]',
    'data.product.weights' = '[0.35,0.3,0.15,0.1,0.1]',
    'data.quantity.range' = '[1,6]',
    'data.price.range' = '[2,40]'
);

-- What each product brought in, in windows of ten seconds: an ordinary table, kept up to
-- date by a job.  EMIT CHANGES writes a window while it fills, not only when it closes.
CREATE TABLE IF NOT EXISTS revenue AS
    SELECT _window_start AS since, _window_end AS until, product,
           count(*) AS orders, sum(quantity * price) AS revenue
    FROM orders
    WINDOW TUMBLING(10s)
    GROUP BY product
    EMIT CHANGES;

-- The same without a window: one row a product, for ever.
CREATE TABLE IF NOT EXISTS bestseller AS
    SELECT product, count(*) AS orders, sum(quantity) AS pieces,
           max(quantity * price) AS largest
    FROM orders
    GROUP BY product;

-- Orders worth a second look, as a stream of their own: stored, and kept for a day.
CREATE STREAM IF NOT EXISTS alerts AS
    SELECT order_id, customer, product, quantity * price AS amount, at
    FROM orders
    WHERE quantity * price > 200
    WITH ('retention' = '1d');

-- A stream that was made from a stream is a source as any other: customers with more than
-- one large order within a minute, told when the minute is over.
CREATE STREAM IF NOT EXISTS big_customers AS
    SELECT customer, count(*) AS orders, sum(amount) AS amount, _window_end AS until
    FROM alerts
    WINDOW TUMBLING(1m)
    GROUP BY customer
    HAVING count(*) > 1
    EMIT FINAL
    WITH ('retention' = '1d');

$$;

COMMENT ON VIEW orders IS 'Demo: orders of a shop, made up, 20 a second.';
COMMENT ON TABLE revenue IS 'Demo: orders and revenue of each product in windows of 10 seconds.';
COMMENT ON TABLE bestseller IS 'Demo: what each product sold since the demo was loaded.';
COMMENT ON VIEW alerts IS 'Demo: orders of more than 200.';
COMMENT ON VIEW big_customers IS 'Demo: customers with several large orders in one minute.';

-- Now look, in psql:
--
--   Orders as they come, until you press Ctrl-C
--     DO LANGUAGE velo $$ SELECT * FROM orders EMIT CHANGES $$;
--
--   A question about the live stream, asked in passing
--     DO LANGUAGE velo $$
--       SELECT _window_start AS since, product, count(*) AS orders
--       FROM orders WINDOW TUMBLING(5s) GROUP BY product EMIT FINAL
--     $$;
--
--   What the jobs have written: ordinary tables and streams for any client
--     SELECT * FROM revenue WHERE since > now() - interval '30 s' ORDER BY since, product;
--     SELECT * FROM bestseller ORDER BY orders DESC;   \watch 1
--     SELECT * FROM alerts ORDER BY at DESC LIMIT 10;
--
--   The jobs, and how one of them works
--     DO LANGUAGE velo $$ SHOW JOBS $$;
--     DO LANGUAGE velo $$ EXPLAIN JOB revenue $$;
