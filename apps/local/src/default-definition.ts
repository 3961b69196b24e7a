/** The sync definition of `npm start` without `--definition`: a directory in three tables. */
export const defaultDefinitionYaml = `# A directory in three tables. Values are CEL expressions over the Microsoft Graph resource.
id: directory
description: People, groups and direct memberships
group: default
target: local

users:
  object: people
  key:
    id: id
  columns:
    upn: userPrincipalName
    display_name: displayName
    given_name: givenName
    family_name: surname
    mail: mail
    department: department
    job_title: jobTitle
    manager_id: manager.id
    enabled: { from: accountEnabled, type: boolean, breaker: true }

groups:
  object: groups
  key:
    id: id
  columns:
    display_name: displayName
    description: description
    mail: mail

memberships:
  object: group_members
  key:
    group_id: group.id
    member_id: member.id
`;
