//! Customers.

use super::{cards::owned_card, list::page};
use crate::{
    engine::Work,
    failure::{Answer, Failure},
    form::{Metadata, Params, Patch},
    render,
    world::{Customer, TestClock},
};

pub(super) fn create(work: &mut Work<'_>, mut params: Params) -> Answer {
    let test_clock = params.filled("test_clock")?;
    if let Some(clock) = &test_clock {
        work.find::<TestClock>("testclock", clock, "test_clock")?;
    }
    let mut customer = Customer {
        id: work.world.mint("cus"),
        created: work.now(test_clock.as_deref()),
        email: None,
        name: None,
        phone: None,
        description: None,
        metadata: Metadata::new(),
        default_payment_method: None,
        currency: None,
        invoice_prefix: work.world.letters(8).to_uppercase(),
        next_invoice: 1,
        test_clock,
        deleted: false,
    };
    take(&mut customer, &mut params)?;
    let method = params.filled("payment_method")?;
    let default = default_method(&mut params)?;
    params.finish()?;
    work.world.put(customer.clone());
    if let Some(id) = &method {
        let card = super::cards::card(work, id, "payment_method")?;
        work.attach(&card, &customer.id)?;
        if default == Patch::Set(id.clone()) {
            customer.default_payment_method = Some(card.id);
        }
    }
    let object = render::customer(&customer);
    work.world.put(customer);
    work.emit("customer.created", object.clone(), None);
    Ok(object)
}

/// What can be said of a customer when made and later.
fn take(customer: &mut Customer, params: &mut Params) -> Result<(), Failure> {
    params.patch("email")?.apply(&mut customer.email);
    params.patch("name")?.apply(&mut customer.name);
    params.patch("phone")?.apply(&mut customer.phone);
    params.patch("description")?.apply(&mut customer.description);
    params.metadata(&mut customer.metadata)?;
    params.ignore(&["preferred_locales", "address"]);
    Ok(())
}

fn default_method(params: &mut Params) -> Result<Patch<String>, Failure> {
    let Some(mut settings) = params.nested("invoice_settings")? else {
        return Ok(Patch::Keep);
    };
    let method = settings.patch("default_payment_method")?;
    settings.finish()?;
    Ok(method)
}

pub(super) fn retrieve(work: &mut Work<'_>, id: &str, params: Params) -> Answer {
    params.finish()?;
    Ok(render::customer(&work.find("customer", id, "id")?))
}

pub(super) fn update(work: &mut Work<'_>, id: &str, mut params: Params) -> Answer {
    let mut customer = work.customer(id, "id")?;
    take(&mut customer, &mut params)?;
    let default = default_method(&mut params)?;
    params.finish()?;
    if let Patch::Set(method) = &default {
        owned_card(work, method, id, "invoice_settings[default_payment_method]")?;
    }
    default.apply(&mut customer.default_payment_method);
    let object = render::customer(&customer);
    work.change_customer(customer);
    Ok(object)
}

pub(super) fn delete(work: &mut Work<'_>, id: &str, params: Params) -> Answer {
    params.finish()?;
    let customer = work.customer(id, "id")?;
    work.delete_customer(&customer);
    Ok(render::deleted("customer", id))
}

pub(super) fn list(work: &mut Work<'_>, mut params: Params) -> Answer {
    let email = params.filled("email")?;
    let test_clock = params.filled("test_clock")?;
    let created = params.range("created")?;
    page(
        work,
        params,
        "/v1/customers",
        |customer: &Customer| {
            // Customers on a test clock are listed only with it.
            !customer.deleted
                && customer.test_clock == test_clock
                && email
                    .as_ref()
                    .is_none_or(|email| customer.email.as_ref() == Some(email))
                && created.has(customer.created)
        },
        |_, customer| render::customer(customer),
    )
}
