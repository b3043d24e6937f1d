# SPDX-License-Identifier: ISC
"""What the integration tests stand on, in one name: a daemon of their own
(gentcp_daemon), clients that speak its protocol (gentcp_client), TCP peers
(gentcp_peer) and other processes (gentcp_process).
"""

from gentcp_base import *  # noqa: F401,F403
from gentcp_client import *  # noqa: F401,F403
from gentcp_daemon import Daemon  # noqa: F401
from gentcp_peer import *  # noqa: F401,F403
from gentcp_process import *  # noqa: F401,F403
