//! The customer portal: sessions and configurations.

use super::{checkout::is_web_url, list::page, subscription_change::FEEDBACK};
use crate::{
    engine::Work,
    failure::{Answer, Failure},
    form::{Metadata, Params},
    render,
    world::{FlowKind, PortalConfiguration, PortalFlow, PortalSession, Subscription},
};

pub(super) fn create_session(work: &mut Work<'_>, mut params: Params) -> Answer {
    let customer = params.required("customer")?;
    let customer = work.customer(&customer, "customer")?;
    let configuration = match params.filled("configuration")? {
        Some(id) => work.find::<PortalConfiguration>("configuration", &id, "configuration")?,
        None => default_configuration(work),
    };
    let return_url = params
        .filled("return_url")?
        .or_else(|| configuration.default_return_url.clone());
    if return_url.as_deref().is_some_and(|url| !is_web_url(url)) {
        return Err(Failure::parameter("return_url", "Not a valid URL.").with_code("url_invalid"));
    }
    let flow = match params.nested("flow_data")? {
        Some(given) => Some(take_flow(work, given, &customer.id)?),
        None => None,
    };
    params.ignore(&["locale"]);
    params.finish()?;
    let id = work.world.mint("bps");
    let session = PortalSession {
        url: format!("{}/p/session/{id}", work.base_url),
        id,
        created: work.wall(),
        customer: customer.id,
        configuration: configuration.id,
        return_url,
        flow,
    };
    let object = render::portal_session(&session);
    work.world.put(session);
    work.emit("billing_portal.session.created", object.clone(), None);
    Ok(object)
}

fn take_flow(work: &Work<'_>, mut given: Params, customer: &str) -> Result<PortalFlow, Failure> {
    let kind = given
        .word("type", FlowKind::read)?
        .ok_or_else(|| Failure::missing_parameter("flow_data[type]"))?;
    let mut flow = PortalFlow {
        kind,
        subscription: None,
        redirect: None,
    };
    if let Some(mut cancel) = given.nested("subscription_cancel")? {
        let id = cancel.required("subscription")?;
        let subscription = work.find::<Subscription>("subscription", &id, &cancel.name("subscription"))?;
        if subscription.customer != customer || subscription.is_over() {
            return Err(Failure::parameter(
                cancel.name("subscription"),
                "The subscription cannot be canceled by this customer.",
            ));
        }
        cancel.finish()?;
        flow.subscription = Some(id);
    }
    if kind == FlowKind::SubscriptionCancel && flow.subscription.is_none() {
        return Err(Failure::missing_parameter(
            "flow_data[subscription_cancel][subscription]",
        ));
    }
    if let Some(mut after) = given.nested("after_completion")? {
        after.word("type", |word| {
            matches!(word, "redirect" | "portal_homepage").then_some(())
        })?;
        if let Some(mut redirect) = after.nested("redirect")? {
            let url = redirect.required("return_url")?;
            if !is_web_url(&url) {
                return Err(
                    Failure::parameter(redirect.name("return_url"), "Not a valid URL.")
                        .with_code("url_invalid"),
                );
            }
            redirect.finish()?;
            flow.redirect = Some(url);
        }
        after.finish()?;
    }
    given.finish()?;
    Ok(flow)
}

/// The account's own configuration, made when it is first needed.
fn default_configuration(work: &mut Work<'_>) -> PortalConfiguration {
    if let Some(found) = work.world.all::<PortalConfiguration>().find(|one| one.is_default) {
        return found.clone();
    }
    let configuration = PortalConfiguration {
        is_default: true,
        ..empty(work)
    };
    work.world.put(configuration.clone());
    configuration
}

fn empty(work: &mut Work<'_>) -> PortalConfiguration {
    let now = work.wall();
    PortalConfiguration {
        id: work.world.mint("bpc"),
        created: now,
        updated: now,
        active: true,
        is_default: false,
        name: None,
        headline: None,
        privacy_policy_url: None,
        terms_of_service_url: None,
        default_return_url: None,
        metadata: Metadata::new(),
        invoice_history: true,
        payment_method_update: true,
        subscription_cancel: true,
        cancel_immediately: false,
        cancellation_reasons: Vec::new(),
    }
}

pub(super) fn create(work: &mut Work<'_>, mut params: Params) -> Answer {
    let mut configuration = PortalConfiguration {
        invoice_history: false,
        payment_method_update: false,
        subscription_cancel: false,
        ..empty(work)
    };
    take(&mut configuration, &mut params)?;
    params.finish()?;
    let object = render::portal_configuration(&configuration);
    work.world.put(configuration);
    work.emit("billing_portal.configuration.created", object.clone(), None);
    Ok(object)
}

pub(super) fn update(work: &mut Work<'_>, id: &str, mut params: Params) -> Answer {
    let mut configuration = work.find::<PortalConfiguration>("configuration", id, "id")?;
    configuration.active = params.boolean("active")?.unwrap_or(configuration.active);
    take(&mut configuration, &mut params)?;
    params.finish()?;
    configuration.updated = work.wall();
    let object = render::portal_configuration(&configuration);
    work.world.put(configuration);
    work.emit("billing_portal.configuration.updated", object.clone(), None);
    Ok(object)
}

fn take(configuration: &mut PortalConfiguration, params: &mut Params) -> Result<(), Failure> {
    params.patch("name")?.apply(&mut configuration.name);
    params
        .patch("default_return_url")?
        .apply(&mut configuration.default_return_url);
    params.metadata(&mut configuration.metadata)?;
    if let Some(mut profile) = params.nested("business_profile")? {
        profile.patch("headline")?.apply(&mut configuration.headline);
        profile
            .patch("privacy_policy_url")?
            .apply(&mut configuration.privacy_policy_url);
        profile
            .patch("terms_of_service_url")?
            .apply(&mut configuration.terms_of_service_url);
        profile.finish()?;
    }
    let Some(mut features) = params.nested("features")? else {
        return Ok(());
    };
    let switch = |features: &mut Params, key: &str, value: &mut bool| -> Result<(), Failure> {
        if let Some(mut feature) = features.nested(key)? {
            *value = feature.boolean("enabled")?.unwrap_or(*value);
            feature.finish()?;
        }
        Ok(())
    };
    switch(
        &mut features,
        "invoice_history",
        &mut configuration.invoice_history,
    )?;
    switch(
        &mut features,
        "payment_method_update",
        &mut configuration.payment_method_update,
    )?;
    // Features that are left out here can be named as long as they are off.
    for key in ["customer_update", "subscription_update"] {
        if let Some(mut feature) = features.nested(key)? {
            feature.word("enabled", |word| (word == "false").then_some(()))?;
            feature.ignore(&[
                "allowed_updates",
                "default_allowed_updates",
                "products",
                "proration_behavior",
            ]);
            feature.finish()?;
        }
    }
    if let Some(cancel) = features.nested("subscription_cancel")? {
        take_cancel(configuration, cancel)?;
    }
    features.finish()
}

fn take_cancel(configuration: &mut PortalConfiguration, mut cancel: Params) -> Result<(), Failure> {
    configuration.subscription_cancel = cancel
        .boolean("enabled")?
        .unwrap_or(configuration.subscription_cancel);
    let mode = cancel.word("mode", |word| match word {
        "at_period_end" => Some(false),
        "immediately" => Some(true),
        _ => None,
    })?;
    configuration.cancel_immediately = mode.unwrap_or(configuration.cancel_immediately);
    cancel.word("proration_behavior", |word| (word == "none").then_some(()))?;
    if let Some(mut reason) = cancel.nested("cancellation_reason")? {
        let enabled = reason.boolean("enabled")?.unwrap_or(false);
        let options = reason.texts("options")?;
        if let Some(unknown) = options.iter().find(|option| !FEEDBACK.contains(&option.as_str())) {
            return Err(Failure::parameter(
                reason.name("options"),
                format!("Invalid option: {unknown}"),
            ));
        }
        reason.finish()?;
        configuration.cancellation_reasons = if enabled { options } else { Vec::new() };
    }
    cancel.finish()
}

pub(super) fn retrieve(work: &mut Work<'_>, id: &str, params: Params) -> Answer {
    params.finish()?;
    Ok(render::portal_configuration(&work.find(
        "configuration",
        id,
        "id",
    )?))
}

pub(super) fn list(work: &mut Work<'_>, mut params: Params) -> Answer {
    let active = params.boolean("active")?;
    let is_default = params.boolean("is_default")?;
    page(
        work,
        params,
        "/v1/billing_portal/configurations",
        |one: &PortalConfiguration| {
            active.is_none_or(|active| one.active == active)
                && is_default.is_none_or(|is_default| one.is_default == is_default)
        },
        |_, one| render::portal_configuration(one),
    )
}
