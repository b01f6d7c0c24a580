"""`python -m codegen_ext.testing.sandbox` is `codegen-sandbox`."""

import sys

from .cli import main

sys.exit(main())
