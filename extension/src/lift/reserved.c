/*
 * reserved.c
 *	  Words that are no names.
 */
#include "lift/reader.h"

/*
 * PostgreSQL's reserved words and those usable only as types or functions: what
 * a ColId may not be.  The same in 15 to 18, but for system_user (16).  One word a
 * line, as the formatter would have it, is no better to read.
 */
/* clang-format off */
static const char *const reserved_words[] = {
	"all", "analyse", "analyze", "and", "any", "array", "as", "asc", "asymmetric",
	"authorization", "binary", "both", "case", "cast", "check", "collate", "collation",
	"column", "concurrently", "constraint", "create", "cross", "current_catalog",
	"current_date", "current_role", "current_schema", "current_time", "current_timestamp",
	"current_user", "default", "deferrable", "desc", "distinct", "do", "else", "end", "except",
	"false", "fetch", "for", "foreign", "freeze", "from", "full", "grant", "group", "having",
	"ilike", "in", "initially", "inner", "intersect", "into", "is", "isnull", "join",
	"lateral", "leading", "left", "like", "limit", "localtime", "localtimestamp", "natural",
	"not", "notnull", "null", "offset", "on", "only", "or", "order", "outer", "overlaps",
	"placing", "primary", "references", "returning", "right", "select", "session_user",
	"similar", "some", "symmetric", "table", "tablesample", "then", "to", "trailing", "true",
	"union", "unique", "user", "using", "variadic", "verbose", "when", "where", "window",
	"with", NULL};
/* clang-format on */

bool
velo_lift_is_reserved(const LiftReader *reader, int at)
{
	return velo_lift_word_of(reader, at, reserved_words) >= 0;
}

bool
velo_lift_is_name(const LiftReader *reader, int at)
{
	LiftTokenKind kind = lift_kind(reader, at);

	return kind == LIFT_TOKEN_QUOTED || kind == LIFT_TOKEN_UQUOTED ||
		   (kind == LIFT_TOKEN_WORD && !velo_lift_is_reserved(reader, at));
}
