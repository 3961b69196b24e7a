// One branch of Postern in one resource group, standard profile: public endpoints, Entra only. No key, SAS or connection
// string works or is ever output. infra/README.md lists what this profile gives up.
targetScope = 'resourceGroup'

@description('Region of every resource.')
param location string = resourceGroup().location

@description('Name of the branch, which is part of every resource name, message and metric.')
@minLength(2)
@maxLength(20)
param branch string

@description('Microsoft Entra tenant whose users and groups are synchronised.')
param graphTenantId string = tenant().tenantId

@description('Issuer of the bearer tokens that the HTTP API accepts.')
param authIssuer string = '${environment().authentication.loginEndpoint}${tenant().tenantId}/v2.0'

@description('Audience (application id URI) of the HTTP API.')
param authAudience string

@description('Worker groups, and the names of the targets that their agents can reach: [{ name, targets: [...] }].')
param workerGroups array

@description('Agents on machines that have their own identity (Azure Arc): [{ group, principalId }].')
param agents array = []

@description('Agent VM to create in Azure: { group, subnetId, adminUsername, sshPublicKey, size }. Null creates none.')
param agentVm object?

@description('How often to poll Microsoft Graph, as an NCRONTAB expression.')
param syncSchedule string = '0 */5 * * * *'

@description('Cosmos DB: serverless for small branches, autoscale for large or steady ones.')
@allowed([
  'serverless'
  'autoscale'
])
param cosmosCapacity string = 'serverless'

@description('Node.js release of the function app.')
param nodeVersion string = '24'

@description('Version of Postern to deploy, reported in telemetry.')
param posternVersion string = '0.1.0'

param logRetentionDays int = 30

var suffix = take(uniqueString(resourceGroup().id, branch), 6)
var tags = {
  application: 'postern'
  branch: branch
}

module monitoring 'modules/monitoring.bicep' = {
  name: 'monitoring'
  params: {
    location: location
    name: 'postern-${branch}-${suffix}'
    retentionDays: logRetentionDays
    tags: tags
  }
}

module serviceBus 'modules/service-bus.bicep' = {
  name: 'service-bus'
  params: {
    location: location
    name: 'sb-postern-${branch}-${suffix}'
    workspaceId: monitoring.outputs.workspaceId
    tags: tags
  }
}

module cosmos 'modules/cosmos.bicep' = {
  name: 'cosmos'
  params: {
    location: location
    name: 'cosmos-postern-${branch}-${suffix}'
    capacity: cosmosCapacity
    workspaceId: monitoring.outputs.workspaceId
    tags: tags
  }
}

module storage 'modules/storage.bicep' = {
  name: 'storage'
  params: {
    location: location
    name: take('stpostern${replace(branch, '-', '')}${suffix}', 24)
    tags: tags
  }
}

module keyVault 'modules/key-vault.bicep' = {
  name: 'key-vault'
  params: {
    location: location
    name: take('kv-${branch}-${suffix}', 24)
    workspaceId: monitoring.outputs.workspaceId
    tags: tags
  }
}

module functions 'modules/functions.bicep' = {
  name: 'functions'
  params: {
    location: location
    name: 'func-postern-${branch}-${suffix}'
    storageAccountName: storage.outputs.name
    packageContainerName: storage.outputs.packageContainerName
    applicationInsightsName: monitoring.outputs.applicationInsightsName
    serviceBusFullyQualifiedNamespace: serviceBus.outputs.fullyQualifiedNamespace
    cosmosEndpoint: cosmos.outputs.endpoint
    keyVaultUrl: keyVault.outputs.uri
    blobAccountUrl: storage.outputs.blobEndpoint
    graphTenantId: graphTenantId
    branch: branch
    workerGroups: workerGroups
    syncSchedule: syncSchedule
    authIssuer: authIssuer
    authAudience: authAudience
    nodeVersion: nodeVersion
    posternVersion: posternVersion
    tags: tags
  }
}

module groups 'modules/worker-group.bicep' = [for group in workerGroups: {
  name: 'group-${group.name}'
  params: {
    group: group.name
    targets: group.targets
    serviceBusName: serviceBus.outputs.name
    cosmosName: cosmos.outputs.name
    storageAccountName: storage.outputs.name
  }
}]

module cloudRights 'modules/cloud-rights.bicep' = {
  name: 'cloud-rights'
  params: {
    principalId: functions.outputs.principalId
    serviceBusName: serviceBus.outputs.name
    cosmosName: cosmos.outputs.name
    storageAccountName: storage.outputs.name
    applicationInsightsName: monitoring.outputs.applicationInsightsName
    keyVaultName: keyVault.outputs.name
  }
}

module cloudGroupRights 'modules/cloud-group-rights.bicep' = [for (group, index) in workerGroups: {
  name: 'cloud-rights-${group.name}'
  params: {
    principalId: functions.outputs.principalId
    group: group.name
    targets: group.targets
    serviceBusName: serviceBus.outputs.name
    storageAccountName: storage.outputs.name
  }
  dependsOn: [
    groups[index]
  ]
}]

@batchSize(1)
module agentRights 'modules/agent-rights.bicep' = [for (agent, index) in agents: {
  name: 'agent-rights-${index}'
  params: {
    principalId: agent.principalId
    group: agent.group
    targets: first(filter(workerGroups, candidate => candidate.name == agent.group)).targets
    serviceBusName: serviceBus.outputs.name
    cosmosName: cosmos.outputs.name
    storageAccountName: storage.outputs.name
  }
  // Cosmos DB accepts one role assignment at a time.
  dependsOn: [
    groups
    cloudRights
  ]
}]

module vm 'modules/agent-vm.bicep' = if (agentVm != null) {
  name: 'agent-vm'
  params: {
    location: location
    name: 'vm-postern-${branch}'
    subnetId: agentVm!.subnetId
    adminUsername: agentVm!.adminUsername
    sshPublicKey: agentVm!.sshPublicKey
    size: agentVm!.size
    tags: tags
  }
}

module vmRights 'modules/agent-rights.bicep' = if (agentVm != null) {
  name: 'agent-rights-vm'
  params: {
    principalId: vm!.outputs.principalId
    group: agentVm!.group
    targets: first(filter(workerGroups, candidate => candidate.name == agentVm!.group)).targets
    serviceBusName: serviceBus.outputs.name
    cosmosName: cosmos.outputs.name
    storageAccountName: storage.outputs.name
  }
  dependsOn: [
    groups
    cloudRights
    agentRights
  ]
}

@description('Addresses that the deployment scripts and the settings of agents need.')
output functionAppName string = functions.outputs.name
output apiBaseUrl string = 'https://${functions.outputs.hostName}/api'
output serviceBusFullyQualifiedNamespace string = serviceBus.outputs.fullyQualifiedNamespace
output cosmosEndpoint string = cosmos.outputs.endpoint
output blobEndpoint string = storage.outputs.blobEndpoint
output keyVaultName string = keyVault.outputs.name
output keyVaultUri string = keyVault.outputs.uri
output agentVmName string = agentVm == null ? '' : vm!.outputs.name
