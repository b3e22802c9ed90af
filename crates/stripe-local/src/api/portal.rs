//! The endpoints for customer portal sessions and configurations.

use super::{checkout::is_web_url, list::list_page, subscription_change::FEEDBACK_OPTIONS};
use crate::{
    api_error::{ApiError, ApiResult},
    engine::Operation,
    form::{Metadata, Params},
    records::{FlowKind, PortalConfigurationRecord, PortalFlow, PortalSessionRecord, SubscriptionRecord},
    render,
};

pub(super) fn create_session(operation: &mut Operation<'_>, mut params: Params) -> ApiResult {
    let customer = params.required("customer")?;
    let customer = operation.find_customer(&customer, "customer")?;
    let configuration = match params.non_empty("configuration")? {
        Some(id) => operation.find::<PortalConfigurationRecord>("configuration", &id, "configuration")?,
        None => default_configuration(operation),
    };
    let return_url = params
        .non_empty("return_url")?
        .or_else(|| configuration.default_return_url.clone());
    if return_url.as_deref().is_some_and(|url| !is_web_url(url)) {
        return Err(ApiError::invalid_parameter("return_url", "Not a valid URL.").with_code("url_invalid"));
    }
    let flow = match params.nested("flow_data")? {
        Some(part) => Some(parse_flow(operation, part, &customer.id)?),
        None => None,
    };
    params.ignore(&["locale"]);
    params.finish()?;
    let id = operation.records.new_id("bps");
    let session = PortalSessionRecord {
        url: format!("{}/p/session/{id}", operation.base_url),
        id,
        created: operation.wall_secs(),
        customer: customer.id,
        configuration: configuration.id,
        return_url,
        flow,
    };
    let object = render::portal_session(&session);
    operation.records.put(session);
    operation.emit("billing_portal.session.created", object.clone(), None);
    Ok(object)
}

fn parse_flow(operation: &Operation<'_>, mut part: Params, customer: &str) -> Result<PortalFlow, ApiError> {
    let kind = part
        .one_of("type", FlowKind::parse)?
        .ok_or_else(|| ApiError::missing_parameter("flow_data[type]"))?;
    let mut flow = PortalFlow {
        kind,
        subscription: None,
        redirect: None,
    };
    if let Some(mut cancel) = part.nested("subscription_cancel")? {
        let id = cancel.required("subscription")?;
        let subscription =
            operation.find::<SubscriptionRecord>("subscription", &id, &cancel.full_name("subscription"))?;
        if subscription.customer != customer || subscription.has_ended() {
            return Err(ApiError::invalid_parameter(
                cancel.full_name("subscription"),
                "The subscription cannot be canceled by this customer.",
            ));
        }
        cancel.finish()?;
        flow.subscription = Some(id);
    }
    if kind == FlowKind::SubscriptionCancel && flow.subscription.is_none() {
        return Err(ApiError::missing_parameter(
            "flow_data[subscription_cancel][subscription]",
        ));
    }
    if let Some(mut after) = part.nested("after_completion")? {
        after.one_of("type", |word| {
            matches!(word, "redirect" | "portal_homepage").then_some(())
        })?;
        if let Some(mut redirect) = after.nested("redirect")? {
            let url = redirect.required("return_url")?;
            if !is_web_url(&url) {
                return Err(ApiError::invalid_parameter(
                    redirect.full_name("return_url"),
                    "Not a valid URL.",
                )
                .with_code("url_invalid"));
            }
            redirect.finish()?;
            flow.redirect = Some(url);
        }
        after.finish()?;
    }
    part.finish()?;
    Ok(flow)
}

/// The default configuration of the account. It is created when it is first needed.
fn default_configuration(operation: &mut Operation<'_>) -> PortalConfigurationRecord {
    if let Some(found) = operation
        .records
        .all::<PortalConfigurationRecord>()
        .find(|configuration| configuration.is_default)
    {
        return found.clone();
    }
    let configuration = PortalConfigurationRecord {
        is_default: true,
        ..new_configuration(operation)
    };
    operation.records.put(configuration.clone());
    configuration
}

fn new_configuration(operation: &mut Operation<'_>) -> PortalConfigurationRecord {
    let now = operation.wall_secs();
    PortalConfigurationRecord {
        id: operation.records.new_id("bpc"),
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

pub(super) fn create(operation: &mut Operation<'_>, mut params: Params) -> ApiResult {
    let mut configuration = PortalConfigurationRecord {
        invoice_history: false,
        payment_method_update: false,
        subscription_cancel: false,
        ..new_configuration(operation)
    };
    apply_params(&mut configuration, &mut params)?;
    params.finish()?;
    let object = render::portal_configuration(&configuration);
    operation.records.put(configuration);
    operation.emit("billing_portal.configuration.created", object.clone(), None);
    Ok(object)
}

pub(super) fn update(operation: &mut Operation<'_>, id: &str, mut params: Params) -> ApiResult {
    let mut configuration = operation.find::<PortalConfigurationRecord>("configuration", id, "id")?;
    configuration.active = params.boolean("active")?.unwrap_or(configuration.active);
    apply_params(&mut configuration, &mut params)?;
    params.finish()?;
    configuration.updated = operation.wall_secs();
    let object = render::portal_configuration(&configuration);
    operation.records.put(configuration);
    operation.emit("billing_portal.configuration.updated", object.clone(), None);
    Ok(object)
}

fn apply_params(configuration: &mut PortalConfigurationRecord, params: &mut Params) -> Result<(), ApiError> {
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
    let switch = |features: &mut Params, key: &str, value: &mut bool| -> Result<(), ApiError> {
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
    // Features that the stand-in does not have are accepted if they are disabled.
    for key in ["customer_update", "subscription_update"] {
        if let Some(mut feature) = features.nested(key)? {
            feature.one_of("enabled", |word| (word == "false").then_some(()))?;
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
        apply_cancel_params(configuration, cancel)?;
    }
    features.finish()
}

fn apply_cancel_params(
    configuration: &mut PortalConfigurationRecord,
    mut cancel: Params,
) -> Result<(), ApiError> {
    configuration.subscription_cancel = cancel
        .boolean("enabled")?
        .unwrap_or(configuration.subscription_cancel);
    let mode = cancel.one_of("mode", |word| match word {
        "at_period_end" => Some(false),
        "immediately" => Some(true),
        _ => None,
    })?;
    configuration.cancel_immediately = mode.unwrap_or(configuration.cancel_immediately);
    cancel.one_of("proration_behavior", |word| (word == "none").then_some(()))?;
    if let Some(mut reason) = cancel.nested("cancellation_reason")? {
        let enabled = reason.boolean("enabled")?.unwrap_or(false);
        let options = reason.texts("options")?;
        if let Some(unknown) = options
            .iter()
            .find(|option| !FEEDBACK_OPTIONS.contains(&option.as_str()))
        {
            return Err(ApiError::invalid_parameter(
                reason.full_name("options"),
                format!("Invalid option: {unknown}"),
            ));
        }
        reason.finish()?;
        configuration.cancellation_reasons = if enabled { options } else { Vec::new() };
    }
    cancel.finish()
}

pub(super) fn retrieve(operation: &mut Operation<'_>, id: &str, params: Params) -> ApiResult {
    params.finish()?;
    Ok(render::portal_configuration(&operation.find(
        "configuration",
        id,
        "id",
    )?))
}

pub(super) fn list(operation: &mut Operation<'_>, mut params: Params) -> ApiResult {
    let active = params.boolean("active")?;
    let is_default = params.boolean("is_default")?;
    list_page(
        operation,
        params,
        "/v1/billing_portal/configurations",
        None,
        |configuration: &PortalConfigurationRecord| {
            active.is_none_or(|active| configuration.active == active)
                && is_default.is_none_or(|is_default| configuration.is_default == is_default)
        },
        |_, configuration| render::portal_configuration(configuration),
    )
}
