from tests.support.eager import use_eager_tasks_if_asked

use_eager_tasks_if_asked()
