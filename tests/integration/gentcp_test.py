# SPDX-License-Identifier: ISC
"""What the integration tests stand on, in one name: a daemon of their own
(gentcp_daemon), clients that speak its protocol (gentcp_client), TCP peers
(gentcp_peer), other processes (gentcp_process) and networks (gentcp_netns).
"""

import pytest

from gentcp_base import *  # noqa: F401,F403
from gentcp_client import *  # noqa: F401,F403
from gentcp_daemon import Daemon  # noqa: F401
from gentcp_netns import Namespace, ip  # noqa: F401
from gentcp_peer import *  # noqa: F401,F403
from gentcp_process import *  # noqa: F401,F403

# The numbers of gen_tcp's edge cases that a test shows; check_probes.sh finds the
# missing.  Where gentcpd decides otherwise the docstring says which row does.
probe = pytest.mark.probe
