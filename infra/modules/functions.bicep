// The function app: Flex Consumption, its own identity, and exactly the settings that apps/cloud/src/settings.ts and the
// Functions host read.
param location string
param name string
param storageAccountName string
param packageContainerName string
param applicationInsightsName string
param serviceBusFullyQualifiedNamespace string
param cosmosEndpoint string
param keyVaultUrl string
param blobAccountUrl string
param graphTenantId string
param branch string
param workerGroups array
param syncSchedule string
param authIssuer string
param authAudience string
param nodeVersion string
param posternVersion string
param tags object

resource storage 'Microsoft.Storage/storageAccounts@2024-01-01' existing = {
  name: storageAccountName
}

resource applicationInsights 'Microsoft.Insights/components@2020-02-02' existing = {
  name: applicationInsightsName
}

resource plan 'Microsoft.Web/serverfarms@2024-04-01' = {
  name: 'plan-${name}'
  location: location
  kind: 'functionapp'
  tags: tags
  sku: {
    name: 'FC1'
    tier: 'FlexConsumption'
  }
  properties: {
    reserved: true
  }
}

resource app 'Microsoft.Web/sites@2024-04-01' = {
  name: name
  location: location
  kind: 'functionapp,linux'
  tags: tags
  identity: {
    type: 'SystemAssigned'
  }
  properties: {
    serverFarmId: plan.id
    httpsOnly: true
    clientAffinityEnabled: false
    functionAppConfig: {
      deployment: {
        storage: {
          type: 'blobContainer'
          value: '${storage.properties.primaryEndpoints.blob}${packageContainerName}'
          authentication: {
            type: 'SystemAssignedIdentity'
          }
        }
      }
      scaleAndConcurrency: {
        maximumInstanceCount: 40
        instanceMemoryMB: 2048
      }
      runtime: {
        name: 'node'
        version: nodeVersion
      }
    }
    siteConfig: {
      minTlsVersion: '1.2'
      scmMinTlsVersion: '1.2'
      ftpsState: 'Disabled'
      http20Enabled: true
      appSettings: [
        {
          // Without a limit, V8 lets garbage grow in proportion to the machine's memory before it collects.
          name: 'languageWorkers__node__arguments'
          value: '--max-old-space-size=144 --max-semi-space-size=4'
        }
        {
          // Bytes of a request body, refused by the host before it is buffered: the largest that a route takes.
          name: 'FUNCTIONS_REQUEST_BODY_SIZE_LIMIT'
          value: '1048576'
        }
        {
          name: 'AzureWebJobsStorage__accountName'
          value: storageAccountName
        }
        {
          name: 'APPLICATIONINSIGHTS_CONNECTION_STRING'
          // The key in this address is useless: local authentication is off.
          value: applicationInsights.properties.ConnectionString
        }
        {
          name: 'APPLICATIONINSIGHTS_AUTHENTICATION_STRING'
          value: 'Authorization=AAD'
        }
        {
          name: 'ServiceBusConnection__fullyQualifiedNamespace'
          value: serviceBusFullyQualifiedNamespace
        }
        {
          name: 'COSMOS_ENDPOINT'
          value: cosmosEndpoint
        }
        {
          name: 'KEY_VAULT_URL'
          value: keyVaultUrl
        }
        {
          name: 'BLOB_ACCOUNT_URL'
          value: blobAccountUrl
        }
        {
          name: 'TENANT_ID'
          value: graphTenantId
        }
        {
          name: 'BRANCH'
          value: branch
        }
        {
          name: 'WORKER_GROUPS'
          value: string(workerGroups)
        }
        {
          name: 'SYNC_SCHEDULE'
          value: syncSchedule
        }
        {
          name: 'AUTH_ISSUER'
          value: authIssuer
        }
        {
          name: 'AUTH_AUDIENCE'
          value: authAudience
        }
        {
          name: 'POSTERN_VERSION'
          value: posternVersion
        }
      ]
    }
  }
}

resource noFtpPassword 'Microsoft.Web/sites/basicPublishingCredentialsPolicies@2024-04-01' = {
  parent: app
  name: 'ftp'
  properties: {
    allow: false
  }
}

resource noScmPassword 'Microsoft.Web/sites/basicPublishingCredentialsPolicies@2024-04-01' = {
  parent: app
  name: 'scm'
  properties: {
    allow: false
  }
}

output name string = app.name
output hostName string = app.properties.defaultHostName
output principalId string = app.identity.principalId
