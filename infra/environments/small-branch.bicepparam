using '../main.bicep'

// A branch with one group of agents on Arc-enabled machines. Principal ids come from `az connectedmachine show`.
param branch = 'ghent'
param authAudience = 'api://postern'
param workerGroups = [
  {
    name: 'main'
    targets: [
      'hr-db'
    ]
  }
]
param agents = []
