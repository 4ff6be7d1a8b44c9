// LinkedIn's form for a certification, filled in by its address ("Add to Profile" for certifications,
// addtoprofile.linkedin.com), and the same values for those who type them.
import { _ } from "./words.mjs";

const ADDRESS = "https://www.linkedin.com/profile/add";
const OWN_PAGE = /^https:\/\/(?:[a-z]{2,3}\.)?linkedin\.com\/(?:company|school|edu)\/([1-9][0-9]{0,19})\/?$/;

// {name, organizationId, organizationName, issued, ends, certUrl, certId}; days as 2026-11-20, `ends` may be null.
export const linkedInValues = ({ award, issuer }, credential, certUrl, id) => ({
  name: award.name,
  organizationId: organizationId(credential),
  organizationName: issuer.name,
  issued: awarded(credential) ?? award.validFrom,
  ends: award.validUntil,
  certUrl,
  certId: id,
});

export const linkedInAddress = ({ name, organizationId: number, organizationName, issued, ends, certUrl, certId }) => {
  const [year, month] = issued.split("-").map(Number);
  const [lastYear, lastMonth] = (ends ?? "").split("-").map(Number);
  const values = {
    startTask: "CERTIFICATION_NAME",
    name,
    ...(number === null ? { organizationName } : { organizationId: number }),
    ...{ issueYear: year, issueMonth: month },
    ...(ends === null ? {} : { expirationYear: lastYear, expirationMonth: lastMonth }),
    ...{ certUrl, certId },
  };
  return `${ADDRESS}?${Object.entries(values).map(([key, value]) => `${key}=${encodeURIComponent(value)}`).join("&")}`;
};

// The same, as LinkedIn's form calls them.
export const linkedInFields = ({ name, organizationName, issued, ends, certUrl, certId }) =>
  [
    [_("Name"), name],
    [_("Issuing organization"), organizationName],
    [_("Issue date"), issued.slice(0, 7)],
    [_("Expiration date"), ends?.slice(0, 7)],
    [_("Credential ID"), certId],
    [_("Credential URL"), certUrl],
  ].filter(([, value]) => value);

// The number of the issuer's page at LinkedIn, if the credential states it: among its other identifiers, or as its address.
const organizationId = ({ issuer }) => {
  if (issuer === null || typeof issuer !== "object") return null;
  const others = [issuer.otherIdentifier ?? []].flat().map((each) => each?.identifier);
  const found = [issuer.url, ...others].find((each) => typeof each === "string" && OWN_PAGE.test(each));
  return found === undefined ? null : OWN_PAGE.exec(found)[1];
};

const awarded = ({ awardedDate }) => (typeof awardedDate === "string" && /^\d{4}-\d{2}-\d{2}T/.test(awardedDate) ? awardedDate.slice(0, 10) : null);
