//! People who may use the till: added, changed, gone.

use super::Ledger;
use super::decide_pay::known;
use crate::core::domain::{CashierId, Lang, Refusal, Reject, Role, shown_name};
use crate::core::journal::Event;

/// What is to change of a person; what is `None` stays.
#[derive(Debug, Clone, Default)]
pub struct Change<'a> {
    /// Their name as printed.
    pub name: Option<&'a str>,
    /// What they may do.
    pub role: Option<Role>,
    /// What is shown to them.
    pub lang: Option<Lang>,
    /// They work here.
    pub active: Option<bool>,
}

impl Ledger {
    /// Adds a person.
    pub fn decide_add_cashier(
        &self,
        person: &CashierId,
        name: &str,
        role: Role,
        lang: Option<Lang>,
        by: Option<&CashierId>,
    ) -> Result<Vec<Event>, Reject> {
        if self.people.contains_key(person) {
            return Err(Refusal::CashierExists.with("cashier", person));
        }
        let (name, by) = (shown_name("name", name)?, by.cloned());
        Ok(vec![Event::PersonSet { person: person.clone(), name, role, lang, active: true, by }])
    }

    /// Changes what is known of a person. The last manager who works here stays one: nobody could close a day.
    pub fn decide_change_cashier(
        &self,
        person: &CashierId,
        change: &Change<'_>,
        by: Option<&CashierId>,
    ) -> Result<Vec<Event>, Reject> {
        let was = self.people.get(person).ok_or_else(|| Refusal::UnknownCashier.with("cashier", person))?;
        by.map_or(Ok(()), |by| known(self, by))?;
        let name = change.name.map_or_else(|| Ok(was.name.clone()), |name| shown_name("name", name))?;
        let role = change.role.unwrap_or(was.role);
        let active = change.active.unwrap_or(was.active);
        let manages = |role, active| role == Role::Manager && active;
        let another = self.people.iter().any(|(id, p)| id != person && manages(p.role, p.active));
        if manages(was.role, was.active) && !manages(role, active) && !another {
            return Err(Refusal::BadRequest.with("what", "role: the store's last manager must stay one"));
        }
        if !active && self.shift_of(person).is_some() {
            return Err(Refusal::ShiftAlreadyOpen.with("cashier", person));
        }
        let (lang, by) = (change.lang.or(was.lang), by.cloned());
        Ok(vec![Event::PersonSet { person: person.clone(), name, role, lang, active, by }])
    }
}
