/* SPDX-License-Identifier: ISC */
#include "daemon/privilege.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#ifdef HAVE_LIBCAP_NG
#include <cap-ng.h>
#endif

bool
privilege_find(struct privilege *p, const char *user, char *why, size_t size)
{
	const struct passwd *entry;

	errno = 0;
	entry = getpwnam(user);
	if (entry == NULL) {
		(void)snprintf(why, size, "--user: there is no user %.64s%s%s", user,
		    errno != 0 ? ": " : "", errno != 0 ? strerror(errno) : "");
		return false;
	}
	if (geteuid() != 0 && entry->pw_uid != geteuid()) {
		(void)snprintf(why, size, "--user: only root can become another");
		return false;
	}
	p->uid = entry->pw_uid;
	p->gid = entry->pw_gid;
	p->user = user;
	return true;
}

#ifdef HAVE_LIBCAP_NG

static bool
change(const struct privilege *p)
{
	/* the groups of the user are set here, because libcap-ng looks them up anew */
	if (initgroups(p->user, p->gid) != 0)
		return false;
	capng_clear(CAPNG_SELECT_BOTH);
	if (capng_update(CAPNG_ADD, CAPNG_EFFECTIVE | CAPNG_PERMITTED,
		CAP_NET_BIND_SERVICE) == 0 &&
	    capng_change_id((int)p->uid, (int)p->gid, CAPNG_NO_FLAG) == 0)
		return true;
	if (errno == 0)
		errno = EPERM;
	return false;
}

#else

static bool
change(const struct privilege *p)
{
	return initgroups(p->user, p->gid) == 0 &&
	    setresgid(p->gid, p->gid, p->gid) == 0 &&
	    setresuid(p->uid, p->uid, p->uid) == 0;
}

#endif

bool
privilege_drop(const struct privilege *p, char *why, size_t size)
{
	if (geteuid() != 0 || p->uid == 0)
		return true;
	errno = 0;
	if (!change(p)) {
		(void)snprintf(
		    why, size, "cannot become %.64s: %s", p->user, strerror(errno));
		return false;
	}
	/* nothing that it could start gets more again */
	if (geteuid() == p->uid && getegid() == p->gid && setuid(0) != 0 &&
	    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0)
		return true;
	(void)snprintf(why, size, "cannot become %.64s for good", p->user);
	return false;
}
