# Names and certificates. Azure takes a name, and issues its certificate, only once DNS says that
# the name is yours: with a zone here that is this apply, else the next one (dns_records_exist).
# Binding the certificate to the name is one command afterwards (`invoke azure.bind`): the provider cannot.

locals {
  bound = { for role, domain in local.domains : role => domain if var.dns_zone != null || var.dns_records_exist }
  zoned = { for role, domain in local.domains : role => domain if var.dns_zone != null }
  # A name's place in the zone; empty for the zone's own name, which can have no CNAME.
  within = { for role, domain in local.zoned : role => trimsuffix(trimsuffix(domain, coalesce(var.dns_zone, "-")), ".") }

  # What you make where there is no zone here; a name of two words is taken for a zone's own. The proof
  # is public once it is made.
  dns_records = flatten([
    for role, domain in local.domains : [
      {
        name  = "asuid.${domain}"
        type  = "TXT"
        value = nonsensitive(azurerm_container_app_environment.main.custom_domain_verification_id)
      },
      {
        name  = domain
        type  = length(split(".", domain)) > 2 ? "CNAME" : "A"
        value = length(split(".", domain)) > 2 ? local.hosts[role] : azurerm_container_app_environment.main.static_ip_address
      },
    ] if var.dns_zone == null
  ])
}

data "azurerm_dns_zone" "main" {
  count = var.dns_zone != null ? 1 : 0

  name = var.dns_zone
}

resource "azurerm_dns_txt_record" "ownership" {
  for_each = local.zoned

  name                = join(".", compact(["asuid", local.within[each.key]]))
  zone_name           = data.azurerm_dns_zone.main[0].name
  resource_group_name = data.azurerm_dns_zone.main[0].resource_group_name
  ttl                 = 300
  tags                = local.tags

  record {
    value = azurerm_container_app_environment.main.custom_domain_verification_id
  }
}

resource "azurerm_dns_cname_record" "main" {
  for_each = { for role, domain in local.zoned : role => domain if local.within[role] != "" }

  name                = local.within[each.key]
  zone_name           = data.azurerm_dns_zone.main[0].name
  resource_group_name = data.azurerm_dns_zone.main[0].resource_group_name
  ttl                 = 300
  record              = local.hosts[each.key]
  tags                = local.tags
}

resource "azurerm_dns_a_record" "main" {
  for_each = { for role, domain in local.zoned : role => domain if local.within[role] == "" }

  name                = "@"
  zone_name           = data.azurerm_dns_zone.main[0].name
  resource_group_name = data.azurerm_dns_zone.main[0].resource_group_name
  ttl                 = 300
  records             = [azurerm_container_app_environment.main.static_ip_address]
  tags                = local.tags
}

resource "azurerm_container_app_custom_domain" "main" {
  for_each = local.bound

  name             = each.value
  container_app_id = azurerm_container_app.service[each.key].id

  lifecycle {
    # Changes when the certificate is bound, outside Terraform, and would replace the name.
    ignore_changes = [certificate_binding_type]
  }

  depends_on = [azurerm_dns_txt_record.ownership, azurerm_dns_cname_record.main, azurerm_dns_a_record.main]
}

resource "azurerm_container_app_environment_managed_certificate" "main" {
  for_each = local.bound

  name                         = "${each.key}-${substr(sha1(each.value), 0, 8)}"
  container_app_environment_id = azurerm_container_app_environment.main.id
  subject_name                 = each.value
  # A name of three words or more has a CNAME, a zone's own name cannot.
  domain_control_validation = length(split(".", each.value)) > 2 && each.value != coalesce(var.dns_zone, "-") ? "CNAME" : "HTTP"
  tags                      = local.tags

  # A certificate is issued only for a name that an app has.
  depends_on = [azurerm_container_app_custom_domain.main]
}
