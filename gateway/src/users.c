/*
 * users.c
 *	  Who is known.
 *
 * A user is a role and the password it was let in with.  Asked again with the same
 * password, nobody bothers PostgreSQL; with another one PostgreSQL decides, and if it
 * lets it in the password was changed and what the old one opened ends.  The password
 * stays in memory, because a pool must be able to open the next connection.
 */
#include "gateway/src/pool_private.h"

#include "gateway/src/config.h"
#include "gateway/src/log.h"
#include "gateway/src/memory.h"
#include "gateway/src/metrics.h"

#include <stdlib.h>
#include <string.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static VgUser *users; /* each holds itself in the list */
static int user_count;
static VgUser *everybody; /* in open mode */

static int64_t
read_users(void)
{
	return __atomic_load_n(&user_count, __ATOMIC_RELAXED);
}
VG_GAUGE(users_gauge, "velo_gateway_users", "Users known.", read_users);

static VgUser *
make_user(const char *name, const char *password)
{
	VgUser *user = vg_alloc(sizeof(VgUser));

	user->holders = 1;
	user->name = vg_copy(name);
	user->password = vg_copy(password);
	if (password)
		vg_hash(password, user->password_hash);
	user->is_valid = true;
	user->used_ms = vg_now_ms();
	pthread_mutex_init(&user->lock, NULL);
	pthread_cond_init(&user->given, NULL);
	user->members = vg_alloc(vg_config->pool_size * sizeof(VgMember));
	return user;
}

static void
free_user(VgUser *user)
{
	vg_pool_close_all(user);
	free(user->name);
	vg_free_secret(user->password);
	explicit_bzero(user->password_hash, sizeof(user->password_hash));
	free(user->members);
	pthread_mutex_destroy(&user->lock);
	pthread_cond_destroy(&user->given);
	free(user);
}

VgUser *
vg_user_hold(VgUser *user)
{
	user->holders++;
	return user;
}

void
vg_user_release(VgUser *user)
{
	if (--user->holders == 0)
		free_user(user);
}

const char *
vg_user_name(const VgUser *user)
{
	return user->name;
}

bool
vg_user_is_valid(const VgUser *user)
{
	return user->is_valid;
}

VgUser *
vg_user_open_mode(void)
{
	return vg_user_hold(everybody);
}

/* Takes users out of the list that wanted() says, at most one if is_one; they are
 * released without the lock, because that may close connections. */
static int
drop_users(bool (*wanted)(const VgUser *user), bool is_one)
{
	VgUser *dropped = NULL;
	int count = 0;

	pthread_mutex_lock(&lock);
	for (VgUser **at = &users; *at && !(is_one && count);)
	{
		VgUser *user = *at;

		if (!wanted(user))
		{
			at = &user->next;
			continue;
		}
		*at = user->next;
		user->next = dropped;
		dropped = user;
		count++;
	}
	__atomic_sub_fetch(&user_count, count, __ATOMIC_RELAXED);
	pthread_mutex_unlock(&lock);
	while (dropped)
	{
		VgUser *next = dropped->next;

		vg_user_release(dropped);
		dropped = next;
	}
	return count;
}

static bool
is_unused(const VgUser *user)
{
	return user->password && user->holders == 1;
}

static bool
is_gone(const VgUser *user)
{
	return user->password &&
		   (!user->is_valid ||
			(user->holders == 1 && vg_now_ms() - user->used_ms > vg_config->session_idle_timeout));
}

void
vg_users_reap(void)
{
	drop_users(is_gone, false);
}

void
vg_user_invalidate(VgUser *user)
{
	if (user->is_valid)
		vg_log(VG_LOG_INFO, NULL, "a role may not log in any more", "role", user->name, NULL);
	user->is_valid = false;
}

bool
vg_users_find(bool (*visit)(VgUser *user))
{
	bool is_found = false;

	pthread_mutex_lock(&lock);
	for (VgUser *user = users; user && !is_found; user = user->next)
		is_found = visit(user);
	pthread_mutex_unlock(&lock);
	return is_found;
}

/* The valid user of this name, held if the password is the known one too. */
static VgUser *
find_locked(const char *name)
{
	for (VgUser *user = users; user; user = user->next)
		if (user->is_valid && user->password && strcmp(user->name, name) == 0)
			return user;
	return NULL;
}

static bool
has_password(const VgUser *user, const char *password)
{
	unsigned char hash[VG_HASH_SIZE];

	vg_hash(password, hash);
	return vg_is_equal(hash, user->password_hash, VG_HASH_SIZE);
}

static VgUser *
find_known(const char *name, const char *password)
{
	VgUser *user;

	pthread_mutex_lock(&lock);
	user = find_locked(name);
	if (user && has_password(user, password))
		vg_user_hold(user);
	else
		user = NULL;
	pthread_mutex_unlock(&lock);
	if (user)
		user->used_ms = vg_now_ms();
	return user;
}

/*
 * Puts a new user into the list, for one more holder.  If the same one was let in at the
 * same time, that one stays and the new one is freed.
 */
static VgUser *
add_user(VgUser *user)
{
	VgUser *old;

	pthread_mutex_lock(&lock);
	old = find_locked(user->name);
	if (old && user->password && vg_is_equal(old->password_hash, user->password_hash, VG_HASH_SIZE))
		vg_user_hold(old);
	else
	{
		/* the password was changed; the reaper takes the old one away */
		if (old)
			old->is_valid = false;
		old = NULL;
		vg_user_hold(user);
		user->next = users;
		users = user;
		__atomic_add_fetch(&user_count, 1, __ATOMIC_RELAXED);
	}
	pthread_mutex_unlock(&lock);
	if (old == NULL)
		return user;
	free_user(user);
	return old;
}

static bool
has_room(VcError *error)
{
	if (read_users() < vg_config->users_max || drop_users(is_unused, true))
		return true;
	vc_error_set(error, "53400", "too many users are logged in", NULL,
				 "The limit is users_max; try again later.");
	return false;
}

VgUser *
vg_user_login(const char *name, const char *password, VcError *error)
{
	VgUser *user = find_known(name, password);
	PGconn *conn;

	if (user)
		return user;
	if (!has_room(error) || !vg_pool_reserve(error))
		return NULL;
	conn = vg_connect(name, password, error);
	if (conn == NULL)
	{
		vg_pool_unreserve();
		return NULL;
	}
	user = make_user(name, password);
	vg_pool_adopt(user, conn);
	return add_user(user);
}

/* The role of `database`: its own, or what libpq takes without one. */
static char *
open_mode_name(void)
{
	PQconninfoOption *given = PQconninfoParse(vg_config->database, NULL);
	PQconninfoOption *defaults = PQconndefaults();
	char *name = NULL;

	for (PQconninfoOption *option = given; option && option->keyword && name == NULL; option++)
		if (strcmp(option->keyword, "user") == 0)
			name = vg_copy(option->val);
	for (PQconninfoOption *option = defaults; option && option->keyword && name == NULL; option++)
		if (strcmp(option->keyword, "user") == 0)
			name = vg_copy(option->val);
	PQconninfoFree(given);
	PQconninfoFree(defaults);
	return name ? name : vg_copy("unknown");
}

bool
vg_users_start(void)
{
	char *name;

	if (vg_config->auth != VG_AUTH_OPEN)
		return true;
	name = open_mode_name();
	everybody = make_user(name, NULL);
	free(name);
	add_user(everybody);
	return true;
}

static bool
is_any(const VgUser *user)
{
	return true;
}

void
vg_users_stop(void)
{
	drop_users(is_any, false);
	if (everybody)
		vg_user_release(everybody);
	everybody = NULL;
}
