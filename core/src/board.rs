//! The board: the tasks that stand after a list of effects.

use std::collections::BTreeMap;

use crate::effect::Effect;
use crate::id::TaskId;
use crate::task::Task;

/// Standing tasks by id.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Board {
    tasks: BTreeMap<TaskId, Task>,
}

impl Board {
    /// Applies one effect.
    pub fn apply(&mut self, effect: Effect) {
        match effect {
            Effect::Create(task) => {
                self.tasks.insert(task.id.clone(), *task);
            }
            Effect::Amend { task, occasion } => {
                if let Some(task) = self.tasks.get_mut(&task) {
                    task.occasion = occasion;
                }
            }
            Effect::Withdraw { task, .. } => {
                self.tasks.remove(&task);
            }
            Effect::Fault(_) => {}
        }
    }

    /// Returns the standing task with this id.
    pub fn find(&self, task: &TaskId) -> Option<&Task> {
        self.tasks.get(task)
    }

    /// Returns the standing tasks, ordered by device, then by the time of the last evidence.
    pub fn by_device_and_time(&self) -> Vec<&Task> {
        let mut tasks: Vec<&Task> = self.tasks.values().collect();
        let place = |task: &Task| {
            (task.device.clone(), task.occasion.last_at, task.rule.clone(), task.scope.clone())
        };
        tasks.sort_by_cached_key(|task| place(task));
        tasks
    }
}
