from codegen_ext import AsyncTask as AsyncTask
from codegen_ext import Task as Task
