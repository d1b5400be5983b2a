-- Prompts of the Model Context Protocol: requests to an AI agent that a user picks from a
-- menu.  Like tools, each is a row that stands beside its function.

CREATE TABLE velo.prompt (
    name text PRIMARY KEY CHECK (name ~ '^[a-z][a-z0-9_]*$'),
    title text NOT NULL,
    function text NOT NULL,
    described jsonb NOT NULL CHECK (jsonb_typeof(described) = 'object')
);
COMMENT ON TABLE velo.prompt IS 'Prompts for AI agents (Model Context Protocol), each a function of SQL; see velo.prompts.';
COMMENT ON COLUMN velo.prompt.function IS 'signature of the function: its arguments are the prompt''s; it returns the text that the user would have typed, or jsonb {"messages": [...]}';
COMMENT ON COLUMN velo.prompt.described IS '{argument: what it is}';
