//! What is being made: production plans as units that are there from a day on.

use super::row::{self, Plan, Rows};
use super::{Coming, Gatherer, ItemIndex, PlaceIndex};

/// How a plan's state says that what it made is in stock.
const DONE: &str = "done";

impl<'s> Gatherer<'s> {
    /// Counts what is made for nobody yet; what an order waits for is promised.
    pub(super) fn take_plans(&mut self, rows: &'s Rows) {
        let open = rows.plans.iter().filter(|plan| plan.state != DONE && plan.order.is_none());
        for plan in open {
            match self.coming(plan) {
                Ok((item, place, coming)) => {
                    // It is of an item that may have no stock here.
                    self.holding(item, place);
                    self.draft(item, place).coming.push(coming);
                }
                Err(why) => self.report("plan", &plan.id, format!("{why}; it counts nothing")),
            }
        }
    }

    fn coming(&self, plan: &'s Plan) -> Result<(ItemIndex, PlaceIndex, Coming), String> {
        let place = plan.place.as_deref().ok_or("nobody says where it is made; fill in place")?;
        let (item, place) = self.find(&plan.product, place)?;
        let units = row::units(Some(&plan.quantity))?.unwrap_or(0);
        let on = plan.due_on;
        if on < self.today {
            return Err(format!("it was due on {on}; say that it is done, or move the day"));
        }
        Ok((item, place, Coming { on, units }))
    }
}
