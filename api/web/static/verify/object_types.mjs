// Which `type` the objects of an Open Badge have (Open Badges 3.0 appendix B): those that the
// specification defines, where it defines them. testamur/badges/object_types.py.

const MEMBERS = {
  AchievementCredential: { credentialSubject: "AchievementSubject", evidence: "Evidence", issuer: "Profile" },
  AchievementSubject: { achievement: "Achievement", identifier: "IdentityObject", result: "Result", source: "Profile" },
  Achievement: {
    alignment: "Alignment",
    creator: "Profile",
    otherIdentifier: "IdentifierEntry",
    resultDescription: "ResultDescription",
  },
  Profile: { address: "Address", otherIdentifier: "IdentifierEntry", parentOrg: "Profile" },
  Result: { alignment: "Alignment" },
  ResultDescription: { alignment: "Alignment", rubricCriterionLevel: "RubricCriterionLevel" },
  RubricCriterionLevel: { alignment: "Alignment" },
};

// Refuses (`ob-type`) an object of the specification whose `type` is another.
export const checkTypes = (credential) => {
  const waiting = [[credential, "AchievementCredential"]];
  for (const [node, kind] of waiting) { // grows as we go
    for (const [name, inner] of Object.entries(MEMBERS[kind] ?? {})) {
      for (const item of node.get(name)?.objects() ?? []) {
        const found = item.get("type");
        if (found !== null && !found.texts().includes(inner)) found.refuse(`must be ${inner}`, "ob-type");
        waiting.push([item, inner]);
      }
    }
  }
};
