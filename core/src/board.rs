//! The board: the tasks that stand after a list of effects and of what people did.

use std::collections::{BTreeMap, BTreeSet};

use crate::effect::Effect;
use crate::id::TaskId;
use crate::input::Action;
use crate::rule::Stage;
use crate::task::{EpisodeState, Task};

/// Standing tasks by id.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Board {
    tasks: BTreeMap<TaskId, Task>,
    /// Those that a person did something with: they are not taken back.
    touched: BTreeSet<TaskId>,
    /// Of these, those that late evidence took the ground from.
    contradicted: BTreeSet<TaskId>,
}

impl Board {
    /// Applies one effect.
    pub fn apply(&mut self, effect: Effect) {
        match effect {
            // One that a person touched stands already, contradicted or not.
            Effect::Create(task) => {
                self.tasks.entry(task.id.clone()).or_insert(*task);
            }
            Effect::Amend { task, occasion } => {
                if let Some(task) = self.tasks.get_mut(&task) {
                    task.occasion = occasion;
                }
            }
            Effect::Withdraw { task, .. } if self.touched.contains(&task) => {
                if let Some(task) = self.tasks.get_mut(&task) {
                    task.occasion.episode = EpisodeState::Closed;
                }
                self.contradicted.insert(task);
            }
            Effect::Withdraw { task, .. } => {
                self.tasks.remove(&task);
            }
            Effect::Fault(_) => {}
        }
    }

    /// Notes that a person did something with a standing task that is for people.
    pub fn act(&mut self, action: &Action) {
        let is_for_people = |task: &Task| task.stage != Stage::Shadow;
        if self.tasks.get(&action.task).is_some_and(is_for_people) {
            self.touched.insert(action.task.clone());
        }
    }

    /// Returns the standing task with this id.
    pub fn find(&self, task: &TaskId) -> Option<&Task> {
        self.tasks.get(task)
    }

    /// Returns whether late evidence took away what a standing task was based on after a person had
    /// touched it.
    pub fn is_contradicted(&self, task: &TaskId) -> bool {
        self.contradicted.contains(task)
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
