INSERT INTO meta (name, value) VALUES ('probe', '7');
