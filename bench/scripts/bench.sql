-- The table work(rounds) says how much. Prints results that are the same on every platform.
CREATE TABLE items(id INTEGER PRIMARY KEY, name TEXT, kind INTEGER, price REAL);
WITH RECURSIVE numbers(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM numbers, work WHERE i < rounds * 100)
INSERT INTO items SELECT i, printf('item-%05d', i * 7919 % 100003), i * 31 % 97, (i * 12345 % 10007) / 8.0 FROM numbers;
CREATE INDEX by_name ON items(name);
CREATE INDEX by_kind ON items(kind, price);
SELECT kind, count(*), sum(price), min(name), max(name) FROM items GROUP BY kind ORDER BY sum(price) DESC, kind LIMIT 3;
SELECT count(*) FROM items AS a JOIN items AS b ON b.name = printf('item-%05d', (a.id + 1) * 7919 % 100003);
UPDATE items SET price = price + 0.5 WHERE kind % 3 = 1;
DELETE FROM items WHERE name LIKE '%77%';
SELECT count(*), sum(price), sum(length(name)), count(DISTINCT substr(name, 6, 3)) FROM items;
SELECT a.kind, count(*) FROM items AS a WHERE a.price > (SELECT avg(price) FROM items WHERE kind = 5) GROUP BY a.kind
ORDER BY 2 DESC, 1 LIMIT 3;
