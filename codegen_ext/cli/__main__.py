"""`python -m codegen_ext.cli` is `codegen-sdk`."""

import sys

from . import main

sys.exit(main())
