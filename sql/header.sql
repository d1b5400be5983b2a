-- The first lines of the install script and of every update script.
\echo Use "CREATE EXTENSION velostream" or "ALTER EXTENSION velostream UPDATE" to load this file. \quit
