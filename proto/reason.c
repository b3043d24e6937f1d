/* SPDX-License-Identifier: ISC */
#include "proto/reason.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

struct reason_row {
	int reason;
	const char *name;
};

/* Indexed by errno; the atoms are Erlang's. */
static const char *const posix_names[] = {
    [EPERM] = "eperm",
    [ENOENT] = "enoent",
    [ESRCH] = "esrch",
    [EINTR] = "eintr",
    [EIO] = "eio",
    [ENXIO] = "enxio",
    [E2BIG] = "e2big",
    [ENOEXEC] = "enoexec",
    [EBADF] = "ebadf",
    [ECHILD] = "echild",
    [EAGAIN] = "eagain",
    [ENOMEM] = "enomem",
    [EACCES] = "eacces",
    [EFAULT] = "efault",
    [ENOTBLK] = "enotblk",
    [EBUSY] = "ebusy",
    [EEXIST] = "eexist",
    [EXDEV] = "exdev",
    [ENODEV] = "enodev",
    [ENOTDIR] = "enotdir",
    [EISDIR] = "eisdir",
    [EINVAL] = "einval",
    [ENFILE] = "enfile",
    [EMFILE] = "emfile",
    [ENOTTY] = "enotty",
    [ETXTBSY] = "etxtbsy",
    [EFBIG] = "efbig",
    [ENOSPC] = "enospc",
    [ESPIPE] = "espipe",
    [EROFS] = "erofs",
    [EMLINK] = "emlink",
    [EPIPE] = "epipe",
    [EDOM] = "edom",
    [ERANGE] = "erange",
    [EDEADLK] = "edeadlk",
    [ENAMETOOLONG] = "enametoolong",
    [ENOLCK] = "enolck",
    [ENOSYS] = "enosys",
    [ENOTEMPTY] = "enotempty",
    [ELOOP] = "eloop",
    [ENOMSG] = "enomsg",
    [EIDRM] = "eidrm",
    [ECHRNG] = "echrng",
    [EL2NSYNC] = "el2nsync",
    [EL3HLT] = "el3hlt",
    [EL3RST] = "el3rst",
    [ELNRNG] = "elnrng",
    [EUNATCH] = "eunatch",
    [ENOCSI] = "enocsi",
    [EL2HLT] = "el2hlt",
    [EBADE] = "ebade",
    [EBADR] = "ebadr",
    [EXFULL] = "exfull",
    [ENOANO] = "enoano",
    [EBADRQC] = "ebadrqc",
    [EBADSLT] = "ebadslt",
    [EBFONT] = "ebfont",
    [ENOSTR] = "enostr",
    [ENODATA] = "enodata",
    [ETIME] = "etime",
    [ENOSR] = "enosr",
    [ENONET] = "enonet",
    [ENOPKG] = "enopkg",
    [EREMOTE] = "eremote",
    [ENOLINK] = "enolink",
    [EADV] = "eadv",
    [ESRMNT] = "esrmnt",
    [ECOMM] = "ecomm",
    [EPROTO] = "eproto",
    [EMULTIHOP] = "emultihop",
    [EDOTDOT] = "edotdot",
    [EBADMSG] = "ebadmsg",
    [EOVERFLOW] = "eoverflow",
    [ENOTUNIQ] = "enotuniq",
    [EBADFD] = "ebadfd",
    [EREMCHG] = "eremchg",
    [ELIBACC] = "elibacc",
    [ELIBBAD] = "elibbad",
    [ELIBSCN] = "elibscn",
    [ELIBMAX] = "elibmax",
    [ELIBEXEC] = "elibexec",
    [EILSEQ] = "eilseq",
    [ERESTART] = "erestart",
    [ESTRPIPE] = "estrpipe",
    [EUSERS] = "eusers",
    [ENOTSOCK] = "enotsock",
    [EDESTADDRREQ] = "edestaddrreq",
    [EMSGSIZE] = "emsgsize",
    [EPROTOTYPE] = "eprototype",
    [ENOPROTOOPT] = "enoprotoopt",
    [EPROTONOSUPPORT] = "eprotonosupport",
    [ESOCKTNOSUPPORT] = "esocktnosupport",
    [EOPNOTSUPP] = "enotsup",
    [EPFNOSUPPORT] = "epfnosupport",
    [EAFNOSUPPORT] = "eafnosupport",
    [EADDRINUSE] = "eaddrinuse",
    [EADDRNOTAVAIL] = "eaddrnotavail",
    [ENETDOWN] = "enetdown",
    [ENETUNREACH] = "enetunreach",
    [ENETRESET] = "enetreset",
    [ECONNABORTED] = "econnaborted",
    [ECONNRESET] = "econnreset",
    [ENOBUFS] = "enobufs",
    [EISCONN] = "eisconn",
    [ENOTCONN] = "enotconn",
    [ESHUTDOWN] = "eshutdown",
    [ETOOMANYREFS] = "etoomanyrefs",
    [ETIMEDOUT] = "etimedout",
    [ECONNREFUSED] = "econnrefused",
    [EHOSTDOWN] = "ehostdown",
    [EHOSTUNREACH] = "ehostunreach",
    [EALREADY] = "ealready",
    [EINPROGRESS] = "einprogress",
    [ESTALE] = "estale",
    [EUCLEAN] = "euclean",
    [ENOTNAM] = "enotnam",
    [ENAVAIL] = "enavail",
    [EISNAM] = "eisnam",
    [EREMOTEIO] = "eremoteio",
    [EDQUOT] = "edquot",
    [ENOMEDIUM] = "enomedium",
    [EMEDIUMTYPE] = "emediumtype",
    [ECANCELED] = "ecanceled",
    [ENOKEY] = "enokey",
    [EKEYEXPIRED] = "ekeyexpired",
    [EKEYREVOKED] = "ekeyrevoked",
    [EKEYREJECTED] = "ekeyrejected",
    [EOWNERDEAD] = "eownerdead",
    [ENOTRECOVERABLE] = "enotrecoverable",
    [ERFKILL] = "erfkill",
    [EHWPOISON] = "ehwpoison",
};

/* Numbers that have two names in C, and the atoms in words of other systems. */
static const struct reason_row posix_aliases[] = {
    {EOPNOTSUPP, "eopnotsupp"},
    {EWOULDBLOCK, "ewouldblock"},
    {EDEADLOCK, "edeadlock"},
};

static const struct reason_row own_names[] = {
    {REASON_OK, "ok"},
    {REASON_CLOSED, "closed"},
    {REASON_TIMEOUT, "timeout"},
    {REASON_NOT_OWNER, "not_owner"},
    {REASON_BADARG, "badarg"},
    {REASON_SYSTEM_LIMIT, "system_limit"},
    {REASON_CANCELLED, "cancelled"},
    {REASON_NXDOMAIN, "nxdomain"},
    {REASON_NOPROC, "noproc"},
};

static const struct reason_row sentences[] = {
    {REASON_PARSE_ERROR, "Parse error"},
    {REASON_INVALID_REQUEST, "Invalid Request"},
    {REASON_METHOD_NOT_FOUND, "Method not found"},
    {REASON_INVALID_PARAMS, "Invalid params"},
    {REASON_INTERNAL_ERROR, "Internal error"},
};

static const char *
row_name(const struct reason_row *rows, size_t count, int reason)
{
	for (size_t i = 0; i < count; i++) {
		if (rows[i].reason == reason)
			return rows[i].name;
	}
	return NULL;
}

static int
row_reason(const struct reason_row *rows, size_t count, const char *name)
{
	for (size_t i = 0; i < count; i++) {
		if (strcmp(rows[i].name, name) == 0)
			return rows[i].reason;
	}
	return -1;
}

const char *
reason_name(int reason)
{
	const char *name;

	if (reason > 0 && (size_t)reason < COUNT(posix_names))
		name = posix_names[reason];
	else if (reason < 0)
		name = row_name(sentences, COUNT(sentences), reason);
	else
		name = row_name(own_names, COUNT(own_names), reason);
	return name != NULL ? name : "unknown";
}

int
reason_from_name(const char *name)
{
	int reason = row_reason(own_names, COUNT(own_names), name);

	if (reason != -1)
		return reason;
	for (size_t i = 0; i < COUNT(posix_names); i++) {
		if (posix_names[i] != NULL && strcmp(posix_names[i], name) == 0)
			return (int)i;
	}
	return row_reason(posix_aliases, COUNT(posix_aliases), name);
}
