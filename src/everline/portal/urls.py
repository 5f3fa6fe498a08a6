"""The customers' pages. Mails and providers link to some of them: their paths stand in EVERLINE_LINKS too."""

from everline.portal.routes import account, branding, gallery, identity, shop

app_name = "portal"

# The shop first: "lines/new/" is a page, not a line's id.
urlpatterns = [
    *shop.urlpatterns,
    *identity.urlpatterns,
    *account.urlpatterns,
    *gallery.urlpatterns,
    *branding.urlpatterns,
]
