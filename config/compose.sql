-- Something to back up: compose.yml loads it into an empty server.
CREATE TABLE customers (id int PRIMARY KEY, name text NOT NULL, since date NOT NULL);
INSERT INTO customers SELECT n, 'Customer ' || n, DATE '2024-01-01' + n % 700 FROM generate_series(1, 5000) n;
CREATE TABLE orders (id int PRIMARY KEY, customer int NOT NULL REFERENCES customers, amount numeric(10, 2) NOT NULL);
INSERT INTO orders SELECT n, 1 + n % 5000, (n % 997) / 7.0 FROM generate_series(1, 50000) n;
