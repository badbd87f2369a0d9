//! Figures as those who worked count them by their own notes: the plain reference for `/figures`.

use std::collections::BTreeMap;

use serde_json::{Value, json};

/// What is known of a task by whoever worked on it; all times are minutes from its making.
#[derive(Clone, Debug, Default)]
pub(super) struct Known {
    /// Who has it.
    pub(super) owner: String,
    /// When the customer had to be contacted, if its clock says so.
    pub(super) due: Option<i64>,
    /// The first contact that was logged when it was.
    pub(super) contact: Option<i64>,
    /// How much of the time before it was working time.
    pub(super) worked: i64,
    /// That of one that was told later and approved.
    pub(super) told_later: Option<i64>,
    /// When it was closed, and how.
    pub(super) closed: Option<(i64, &'static str)>,
    /// How old it is when figures are asked for.
    pub(super) age: i64,
}

impl Known {
    fn followed(&self) -> bool {
        self.contact.is_some() || self.told_later.is_some()
    }

    /// Whether the clock was met, was not, or does not count.
    fn clock(&self) -> (bool, bool, bool) {
        let Some(due) = self.due else { return (false, false, false) };
        let met = self.contact.is_some_and(|minute| minute <= due);
        let told = self.told_later.is_some_and(|minute| minute <= due);
        let ran_out = !met && !told && due < self.closed.map_or(self.age, |(minute, _)| minute);
        (met, ran_out, met || told || ran_out)
    }
}

/// Counts `tasks` as the API tells figures, but for orders.
pub(super) fn counted(tasks: &[&Known]) -> Value {
    let many = |keep: &dyn Fn(&Known) -> bool| tasks.iter().filter(|known| keep(known)).count();
    let mut outcomes: BTreeMap<&str, usize> = BTreeMap::new();
    for (_, outcome) in tasks.iter().filter_map(|known| known.closed) {
        *outcomes.entry(outcome).or_default() += 1;
    }
    let contacted = || tasks.iter().filter_map(|known| Some((known.contact?, known.worked)));
    let clocks = many(&|known| known.clock().2);
    let closed = many(&|known| known.closed.is_some());
    json!({
        "tasks": tasks.len(),
        "response": spread(contacted().map(|(minute, _)| minute).collect()),
        "response_working": spread(contacted().map(|(_, worked)| worked).collect()),
        "followed_up": share(many(&|known| known.followed()), tasks.len()),
        "on_time": share(many(&|known| known.clock().0), clocks),
        "wasted": share(many(&|known| known.clock().1), clocks),
        "told_later": many(&|known| known.told_later.is_some()),
        "outcomes": outcomes,
        "converted": share(outcomes.get("interested").copied().unwrap_or_default(), closed),
    })
}

/// Returns a share of `n` with its thousandths, halves up.
fn share(count: usize, n: usize) -> Value {
    let permille = (n != 0).then(|| (count * 1_000 * 2 + n) / (2 * n));
    json!({"count": count, "n": n, "permille": permille})
}

/// Returns, of `minutes`, the least that at least so many of ten did not exceed: five, and nine.
fn spread(mut minutes: Vec<i64>) -> Value {
    minutes.sort_unstable();
    let within = |tenths: usize| {
        let place = (minutes.len() * tenths).div_ceil(10);
        minutes.get(place.saturating_sub(1)).map(|minutes| minutes * 60)
    };
    json!({"median_s": within(5), "p90_s": within(9), "n": minutes.len()})
}

/// Returns figures without their orders, which are counted elsewhere.
pub(super) fn without_orders(figures: &Value) -> Value {
    let mut figures = figures.clone();
    figures.as_object_mut().unwrap().remove("orders");
    figures
}
