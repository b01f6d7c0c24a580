"""`python -m codegen_ext.providers doctor`."""

import sys

from .doctor import main

sys.exit(main())
