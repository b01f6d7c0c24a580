"""`python -m codegen_ext.cli`, where another package owns the name `codegen`."""

import sys

from . import main

sys.exit(main())
